// Runs statements in DuckDB, one after the other in one database, and prints the rows of each as JSON: an array of arrays of objects.
// Whole numbers of 64 bits, times and UUIDs are texts, as DuckDB spells them.
import { text } from 'node:stream/consumers';
import { DuckDBInstance } from '@duckdb/node-api';

const statements = JSON.parse(await text(process.stdin));
const connection = await (await DuckDBInstance.create()).connect();
const results = [];
for (const statement of statements)
  results.push((await connection.runAndReadAll(statement)).getRowObjectsJson());
process.stdout.write(JSON.stringify(results));
