// The schema is valid by graphql-js, and what the server says to tools that ask it is the same.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  buildClientSchema,
  buildSchema,
  getIntrospectionQuery,
  lexicographicSortSchema,
  printSchema,
  validateSchema,
  type GraphQLSchema,
  type IntrospectionQuery,
} from "graphql";

const schema = buildSchema(readFileSync("schema.graphql", "utf8"));
assert.deepEqual(validateSchema(schema), []);

const response = await fetch(`${process.env["CONTRACT_URL"]}/graphql`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  // As GraphiQL and generators ask.
  body: JSON.stringify({ query: getIntrospectionQuery({ specifiedByUrl: true }), operationName: "IntrospectionQuery" }),
});
assert.equal(response.status, 200);
const { data, errors } = (await response.json()) as { data: IntrospectionQuery; errors?: unknown };
assert.equal(errors, undefined);
const sorted = (schema: GraphQLSchema) => printSchema(lexicographicSortSchema(schema));
assert.equal(sorted(buildClientSchema(data)), sorted(schema));
