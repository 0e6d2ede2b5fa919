// Writes loadmaster.postman_collection.json, which Postman and Bruno import, from openapi.json.
//
//   npm ci
//   node generate.mjs           writes the file
//   node generate.mjs --check   fails if the file is out of date
//
// Bodies have the examples of the description, else its required members. Two runs give the same bytes: nothing in the file is made up
// by chance, and it has no ids.

import { readFileSync, writeFileSync } from "node:fs";

import converter from "openapi-to-postmanv2";

const DESCRIPTION = new URL("../../../openapi.json", import.meta.url);
const COLLECTION = new URL("loadmaster.postman_collection.json", import.meta.url);

// Variables of the collection, which are set once for all requests.
const VARIABLES = { baseUrl: "http://127.0.0.1:8080", bearerToken: "", departureDate: "" };

// Values that suit better than the example of their type, by the member's name.
const BY_NAME = {
  destination: "LHR",
  departure_date: "{{departureDate}}",
  arrival_datetime: "{{departureDate}}T20:00:00Z",
  password: "a long phrase to try",
};
const BY_FORMAT = {
  date: "{{departureDate}}",
  "date-time": "{{departureDate}}T12:00:00Z",
  uuid: "00000000-0000-0000-0000-000000000000",
};

const document = JSON.parse(readFileSync(DESCRIPTION, "utf8"));

function resolved(schema) {
  if (!schema?.$ref) return schema ?? {};
  const target = schema.$ref.slice(2).split("/").reduce((at, step) => at[step], document);
  return { ...resolved(target), ...schema, $ref: undefined };
}

/** The example of a schema or parameter itself, undefined without one. */
function givenExample(schema) {
  return schema.example ?? schema.examples?.[0] ?? schema.default ?? schema.const ?? schema.enum?.[0];
}

/** A value by which a request is understood: the example, or the required members. */
function sample(given, name = "", depth = 0) {
  const schema = resolved(given);
  if (name in BY_NAME) return BY_NAME[name];
  const example = givenExample(schema);
  if (example !== undefined) return example;
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return sample(choices.find((choice) => choice.type !== "null"), name, depth);
  const parts = [schema, ...(schema.allOf ?? []).map(resolved)];
  const properties = Object.assign({}, ...parts.map((part) => part.properties));
  if (Object.keys(properties).length > 0 && depth < 5) {
    const required = parts.flatMap((part) => part.required ?? []);
    const withExample = Object.keys(properties).filter((key) => givenExample(resolved(properties[key])) !== undefined);
    const names = required.length > 0 ? required : withExample;
    return Object.fromEntries(names.map((key) => [key, sample(properties[key], key, depth + 1)]));
  }
  const [type] = [schema.type ?? "object"].flat();
  switch (type) {
    case "string":
      return BY_FORMAT[schema.format] ?? "text";
    case "integer":
    case "number":
      return schema.minimum ?? 1;
    case "boolean":
      return false;
    case "array":
      return schema.items && depth < 5 ? [sample(schema.items, "", depth + 1)] : [];
    default:
      return {};
  }
}

function namedExample(holder) {
  return holder.example ?? resolved(Object.values(holder.examples ?? {})[0]).value;
}

/** Leaves in the description what a collection shows, with an example for each value, so that the converter invents none. */
function prepare() {
  delete document.servers;
  delete document.webhooks;
  for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path))) {
    operation.responses = { 200: { description: "" } };
    // Of two ways to send a token, the collection has one.
    if (operation.security?.some((way) => way.bearer)) operation.security = [{ bearer: [] }];
    for (const parameter of operation.parameters ?? []) {
      const schema = resolved(parameter.schema);
      const isNeeded = parameter.required && parameter.in === "query";
      const usual = parameter.name === "Idempotency-Key" ? "{{$guid}}" : "";
      parameter.example = isNeeded ? sample(schema, parameter.name) : (namedExample(parameter) ?? givenExample(schema) ?? usual);
      delete parameter.examples;
      parameter.schema = { type: "string", example: String(parameter.example) };
    }
    const content = operation.requestBody?.content;
    if (!content) continue;
    const [type, body] = Object.entries(content).find(([name]) => /json|form|csv/.test(name)) ?? Object.entries(content)[0];
    operation.requestBody.content = { [type]: asBody(type, body) };
  }
}

function asBody(type, body) {
  if (type.includes("json") || type.includes("form")) {
    const example = namedExample(body) ?? sample(body.schema);
    // A form is converted by its properties.
    if (type.includes("form")) {
      const members = Object.entries(example).map(([key, value]) => [key, { type: "string", example: String(value) }]);
      const properties = Object.fromEntries(members);
      return { schema: { type: "object", properties, required: Object.keys(properties) }, example };
    }
    return { schema: { type: "object" }, example };
  }
  return { schema: { type: "string" }, example: namedExample(body) ?? "" };
}

function convert() {
  const options = {
    folderStrategy: "Tags",
    requestNameSource: "Fallback",
    parametersResolution: "Example",
    includeAuthInfoInExample: false,
    schemaFaker: false,
  };
  return new Promise((resolve, reject) => {
    converter.convertV2({ type: "json", data: document }, options, (error, result) => {
      if (error || !result.result) reject(error ?? new Error(result.reason));
      else resolve(result.output[0].data);
    });
  });
}

function script(listen, ...exec) {
  return { listen, script: { type: "text/javascript", exec } };
}

const KEEP_TOKEN = script(
  "test",
  'if (pm.response.code < 300) pm.collectionVariables.set("bearerToken", pm.response.json().access_token);',
);
const TOMORROW = script(
  "prerequest",
  'if (!pm.collectionVariables.get("departureDate"))',
  '  pm.collectionVariables.set("departureDate", new Date(Date.now() + 86400000).toISOString().slice(0, 10));',
);
const SIGN_INS = new Set(["/api/v1/auth/register", "/api/v1/auth/login", "/api/v1/auth/guest"]);

/** The converter tells it by the text alone. */
function isRequired(parameter) {
  return parameter.description?.content.startsWith("(Required)") ?? false;
}

/** Removes what changes with each run, and answers; the token is that of the collection. */
function finish(item) {
  delete item.id;
  if (item.item) {
    item.item.forEach(finish);
    return;
  }
  item.response = [];
  delete item.protocolProfileBehavior;
  const { request } = item;
  if (request.auth?.type === "bearer") delete request.auth;
  else request.auth = { type: "noauth" };
  for (const parameter of [...(request.header ?? []), ...request.url.query]) {
    // Each sending is a new request: to repeat one whose answer was lost, put its key in the place of the variable.
    const isSent = !("disabled" in parameter) || parameter.key === "Idempotency-Key" || isRequired(parameter);
    if (!isSent) parameter.disabled = true;
    else delete parameter.disabled;
  }
  // Without `raw`, Bruno puts a second `http://` before the variable.
  const query = request.url.query.filter(({ disabled }) => !disabled).map(({ key, value }) => `${key}=${value}`);
  request.url.raw = `{{baseUrl}}/${request.url.path.join("/")}${query.length > 0 ? `?${query.join("&")}` : ""}`;
  if (SIGN_INS.has(`/${request.url.path.join("/")}`)) item.event = [KEEP_TOKEN];
}

prepare();
const collection = await convert();
collection.item.forEach(finish);
delete collection.info._postman_id;
collection.auth = { type: "bearer", bearer: [{ key: "token", value: "{{bearerToken}}", type: "string" }] };
collection.variable = Object.entries(VARIABLES).map(([key, value]) => ({ key, value }));
collection.event = [TOMORROW];

const text = `${JSON.stringify(collection, null, 1)}\n`;
if (!process.argv.includes("--check")) {
  writeFileSync(COLLECTION, text);
} else if (readFileSync(COLLECTION, "utf8") !== text) {
  console.error("loadmaster.postman_collection.json is out of date: run `npm run generate` in docs/clients/collection and commit the result");
  process.exitCode = 1;
}
