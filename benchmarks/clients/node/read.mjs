// The Node client reads a view, as Evidence and other tools in JavaScript do.
import { readFileSync } from "node:fs";
import { DuckDBInstance, version } from "@duckdb/node-api";

const expected = JSON.parse(readFileSync(process.argv[2], "utf-8"));

function require(what, found, wanted) {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    console.error(`${what} differ: ${JSON.stringify(found).slice(0, 200)}, not ${JSON.stringify(wanted).slice(0, 200)}`);
    process.exit(1);
  }
}

function bits(text) {
  // Python's float.hex(), such as 0x1.8p-3
  const found = /^(-?)0x([01])\.([0-9a-f]+)p([+-]\d+)$/.exec(text);
  const mantissa = Number(found[2]) + parseInt(found[3], 16) / 16 ** found[3].length;
  return (found[1] ? -1 : 1) * mantissa * 2 ** Number(found[4]);
}

const instance = await DuckDBInstance.create(expected.file, { access_mode: "READ_ONLY" });
const connection = await instance.connect();
const reader = await connection.runAndReadAll(`select * from targeting."${expected.view}" order by rank`);
const rows = reader.getRows();
require("columns", reader.columnNames(), expected.columns);
require("ids", rows.map((row) => String(row[0])), expected.ids);
require("scores", rows.map((row) => row[1]), expected.scores.map(bits));
require("reasons", rows.map((row) => row[6]), expected.reasons);
console.log(`duckdb ${version()}, node ${process.version}, ${rows.length} rows`);
