/** Size in bytes, or a text such as "300M" or "1.5G" (MiB, GiB). */
export type Size = number | string;
export type State = 'finished' | 'selected' | 'dropped' | 'active';

export interface EngineOptions {
  /** That compute; 0: one for each usable CPU. */
  threads?: number;
  /** What the library may have allocated; none: no limit. */
  memory?: Size;
  /** How hidden states are kept. */
  hidden?: 'auto' | 'f32' | 'bf16' | 'file';
}

/** Threads and a budget of memory, for several models. */
export class Engine {
  constructor(options?: EngineOptions);
}

export interface ModelOptions extends EngineOptions {
  engine?: Engine;
  /** Made by `grating calibrate`; none: the one beside the model; "": none is used. */
  profile?: string;
  arithmetic?: 'auto' | 'f32' | 'bf16' | 'int8';
  cutoffLayer?: number;
}

export interface ModelInfo {
  architecture: string;
  format: string;
  tokenizer: string;
  head: string;
  profile: string | null;
  isa: string;
  arithmetic: string;
  nLayers: number;
  hiddenSize: number;
  maxTokens: number;
  nParameters: number;
}

/** What one layer gave; arrays are of the documents that computed it. */
export interface Step {
  layer: number;
  nLayers: number;
  nActive: number;
  nSelected: number;
  nDropped: number;
  elapsedMs: number;
  expectedPrecision: number;
  isDone: boolean;
  indices: Uint32Array;
  logits: Float32Array;
  states: Int32Array;
}

export interface RankOptions {
  /** How many are wanted; default 10; 0: all, and then nobody is decided early. */
  k?: number;
  /** Share of the full pass's top K that shall come back; default 0.99. */
  precision?: number;
  promise?: 'default' | 'set' | 'order' | 'scores';
  policy?: 'default' | 'none' | 'cluster' | 'bound';
  /** The order as it stands after so long is the result. */
  deadlineMs?: number;
  /** A number for each document, added to its logit at every layer. */
  priors?: number[];
  instruction?: string;
  maxDocumentTokens?: number;
  longDocuments?: 'cut' | 'best' | 'refuse';
  minScore?: number;
  firstLayer?: number;
  /** Aborting ends the ranking within a chunk; the promise is rejected with its reason. */
  signal?: AbortSignal;
  /** Called after each layer; what it throws ends the ranking. */
  onLayer?: (step: Step) => void;
}

export interface Document {
  text: string;
  title?: string;
  id?: unknown;
}

export interface Item<D = string | Document> {
  index: number;
  id: unknown;
  /** 0..1, never rising along the ranking. */
  score: number;
  logit: number;
  /** The logit is the full pass's. */
  isExact: boolean;
  isTruncated: boolean;
  layer: number;
  state: State;
  nTokens: number;
  document: D;
}

export interface Stats {
  nDocuments: number;
  nLayers: number;
  nTokens: number;
  candidatesXLayers: number;
  weightBytes: number;
  memoryBytes: number;
  tokenizeMs: number;
  computeMs: number;
  totalMs: number;
  precision: number;
  expectedPrecision: number;
  drift: number;
  policy: string;
  promise: string;
  arithmetic: string;
  deadlineHit: boolean;
}

/** Iterates over the top K, best first; columns hold all N. */
export class Result<D = string | Document> implements Iterable<Item<D>> {
  readonly indices: Uint32Array;
  readonly scores: Float32Array;
  readonly logits: Float32Array;
  readonly layers: Uint32Array;
  readonly tokens: Uint32Array;
  readonly states: Int32Array;
  readonly flags: Uint32Array;
  readonly top: number;
  readonly stats: Stats;
  readonly items: Item<D>[];
  readonly all: Item<D>[];
  item(i: number): Item<D>;
  [Symbol.iterator](): Iterator<Item<D>>;
}

/** An open checkpoint; any number of rankings may run at once. */
export class Model {
  static open(path?: string, options?: ModelOptions): Promise<Model>;
  readonly path: string | undefined;
  readonly info: ModelInfo;
  rank<D extends string | Document>(query: string, documents: D[], options?: RankOptions): Promise<Result<D>>;
  rankAndSort<D extends string | Document>(query: string, documents: D[]): Promise<Array<{ document: D; score: number }>>;
  close(): void;
}

export interface FoundModel {
  name: string;
  path: string | null;
  source: 'bundled' | 'hugging-face' | 'ollama';
  note: string | null;
}

/** Models on this machine. */
export function models(): FoundModel[];
export const version: string;

/** Errors have `code` ("GRT_E_NOT_FOUND"), `status`, and perhaps `offset`, `smallestBytes`. */
export interface GratingError extends Error {
  code: string;
  status?: number;
  offset?: number;
  smallestBytes?: number;
}
