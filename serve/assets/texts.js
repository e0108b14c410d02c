// Documents out of what a person pastes or drops: lines, JSON lines, a JSON list, a table.

export class Unreadable extends Error {}

const NAMES = ["text", "document", "passage", "content", "body", "comment", "description"];

/** {records, fields}: records are texts, or objects with members named in fields. */
export function parse(text, name = "") {
  const body = text.replace(/^\ufeff/, "");
  const ending = /\.([a-z]+)$/i.exec(name)?.[1].toLowerCase() ?? "";
  if (body.includes("\0")) throw new Unreadable("This is not a file of texts: it holds zero bytes.");
  if (ending === "csv" || ending === "tsv") return table(body, ending === "tsv" ? "\t" : separatorOf(body));
  const start = body.trimStart()[0];
  const isJson = ["json", "jsonl", "ndjson"].includes(ending);
  if (start === "[" && (isJson || isWhole(body))) return objects(list(body));
  if (start === "{" || isJson) {
    try {
      return objects(jsonLines(body));
    } catch (error) {
      if (isJson) throw error; // else: lines of text that begin with a brace
    }
  }
  return { records: lines(body), fields: [] };
}

const lines = (body) => body.split(/\r\n|\r|\n/).map((line) => line.trim()).filter(Boolean);

function isWhole(body) {
  try {
    return Array.isArray(JSON.parse(body));
  } catch {
    return false;
  }
}

function list(body) {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new Unreadable(`The list is not JSON: ${error.message}.`);
  }
}

function jsonLines(body) {
  const found = [];
  body.split("\n").forEach((line, at) => {
    if (!line.trim()) return;
    try {
      found.push(JSON.parse(line));
    } catch {
      throw new Unreadable(`Line ${at + 1} is not JSON.`);
    }
  });
  return found;
}

function objects(records) {
  const fields = new Set();
  records.forEach((record, at) => {
    if (typeof record === "string") return;
    if (record === null || typeof record !== "object" || Array.isArray(record))
      throw new Unreadable(`Entry ${at + 1} is neither a text nor an object.`);
    for (const [name, value] of Object.entries(record)) if (typeof value === "string") fields.add(name);
  });
  return { records, fields: [...fields] };
}

function separatorOf(body) {
  const first = body.slice(0, body.search(/[\r\n]|$/));
  const counts = [",", ";", "\t"].map((sign) => [first.split(sign).length, sign]);
  return counts.sort((a, b) => b[0] - a[0])[0][1];
}

/** Rows of a table whose first row names the columns; a cell in quotes may hold anything. */
function table(body, separator) {
  const rows = [];
  let row = [];
  let cell = "";
  let isQuoted = false;
  const endCell = () => {
    row.push(cell);
    cell = "";
  };
  const endRow = () => {
    endCell();
    if (row.length > 1 || row[0].trim()) rows.push(row);
    row = [];
  };
  for (let i = 0; i < body.length; i++) {
    const sign = body[i];
    if (isQuoted) {
      if (sign !== '"') cell += sign;
      else if (body[i + 1] === '"') cell += body[++i];
      else isQuoted = false;
    } else if (sign === '"' && cell === "") isQuoted = true;
    else if (sign === separator) endCell();
    else if (sign === "\n") endRow();
    else if (sign !== "\r" || body[i + 1] !== "\n") cell += sign;
  }
  if (isQuoted) throw new Unreadable("A quoted cell of the table does not end.");
  if (cell || row.length) endRow();
  if (rows.length < 2) throw new Unreadable("The table has no rows below the names of its columns.");
  const fields = rows[0].map((name, at) => name.trim() || `column ${at + 1}`);
  const records = rows.slice(1).map((cells) => Object.fromEntries(fields.map((name, at) => [name, cells[at] ?? ""])));
  return { records, fields: [...new Set(fields)] };
}

/** The member that is the text: by its name, else the one with most in it. */
export function likelyField({ records, fields }) {
  const named = NAMES.find((name) => fields.includes(name));
  if (named || fields.length === 0) return named ?? null;
  const sizes = fields.map((name) => records.slice(0, 100).reduce((sum, record) => sum + (record[name]?.length ?? 0), 0));
  return fields[sizes.indexOf(Math.max(...sizes))];
}

/** {documents, skipped}: a title stands before its text, as the command has it; empty ones are left out. */
export function textsOf({ records }, field) {
  const documents = records
    .map((record) => {
      if (typeof record === "string") return record.trim();
      const text = typeof record[field] === "string" ? record[field].trim() : "";
      const title = field !== "title" && typeof record.title === "string" ? record.title.trim() : "";
      return text && title ? `${title} ${text}` : text || title;
    })
    .filter(Boolean);
  return { documents, skipped: records.length - documents.length };
}
