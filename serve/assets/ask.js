// The server's side: is it there, which models has it, rank this.

/** What went wrong, in words. kind: unreachable, key, loading, busy, stopped, refused. */
export class Fault extends Error {
  constructor(kind, text, retryAfter = 0) {
    super(text);
    this.kind = kind;
    this.retryAfter = retryAfter; // seconds; 0: it does not help to wait
  }
}

const headersFor = (key) => (key ? { Authorization: `Bearer ${key}` } : {});

async function get(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Fault("unreachable", "The server cannot be reached. Is \u201cgrating serve\u201d still running?");
  }
}

async function faultOf(response) {
  let said = "";
  try {
    const body = await response.json();
    said = body.message ?? body.error?.message ?? body.error ?? "";
  } catch {
    said = ""; // something between us and the server has answered
  }
  const wait = Number(response.headers.get("Retry-After")) || 0;
  const quoted = said ? ` It says: \u201c${said}\u201d` : "";
  switch (response.status) {
    case 401:
      return new Fault("key", said.includes("not right") ? "The API key is not right." : "This server wants an API key.");
    case 403:
      return new Fault("refused", `The server does not take requests from here.${quoted}`);
    case 413:
      return new Fault("refused", `That is more than the server takes at once.${quoted}`);
    case 429:
      return new Fault("busy", "The server has too much to do.", wait || 1);
    case 503:
      return /loading/i.test(said)
        ? new Fault("loading", "The model is being opened.", wait || 1)
        : new Fault("busy", `The server cannot take this now.${quoted}`, wait || 1);
    default:
      return new Fault("refused", said ? `The server refuses: ${said}` : `The server answered with status ${response.status}.`);
  }
}

/** "ok", "loading" or "stopping". */
export async function health() {
  const response = await get("health", { cache: "no-store" });
  try {
    return (await response.json()).status ?? "ok";
  } catch {
    throw new Fault("unreachable", "Something else than grating answers at this address.");
  }
}

/** [{id, grating: {k, precision, ...}}] */
export async function models(key) {
  const response = await get("v1/models", { headers: headersFor(key), cache: "no-store" });
  if (!response.ok) throw await faultOf(response);
  return (await response.json()).data;
}

/** Events of a text/event-stream as they come: [name, data]. */
export async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    waiting += value;
    const blocks = waiting.split(/\r?\n\r?\n/);
    waiting = blocks.pop();
    for (const block of blocks) {
      let name = "message";
      const data = [];
      for (const line of block.split(/\r?\n/)) {
        if (line.startsWith("event:")) name = line.slice(6).trim();
        else if (line.startsWith("data:")) data.push(line.slice(5).trim());
      }
      if (data.length) yield [name, JSON.parse(data.join("\n"))];
    }
  }
}

/** Ranks, and calls onLayer for every layer; returns what a request without a stream is answered. */
export async function rank(body, { key, signal, onLayer }) {
  const response = await get("v1/rerank", {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headersFor(key) },
    body: JSON.stringify({ ...body, stream: true }),
    signal,
  });
  if (!response.ok) throw await faultOf(response);
  try {
    for await (const [name, data] of events(response.body)) {
      if (name === "layer") onLayer(data);
      else if (name === "result") return data;
      else if (name === "error") throw new Fault("refused", `The ranking failed: ${data.message ?? data.error?.message ?? "no reason given"}`);
    }
  } catch (error) {
    if (error instanceof Fault || error.name === "AbortError") throw error;
    throw new Fault("unreachable", "The connection to the server broke before the result came.");
  }
  throw new Fault("unreachable", "The server ended the connection before the result came.");
}
