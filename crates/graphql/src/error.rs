use loadmaster_platform::web::problem_codes;

problem_codes! {
    QUERY_TOO_COMPLEX: BAD_REQUEST, "query_too_complex", "The query is too complex",
        "Ask for fewer fields, entries or levels; `detail` names the measure and its limit.";
    GRAPHQL_INVALID: BAD_REQUEST, "graphql_invalid", "The GraphQL request is not valid",
        "Correct the document or its variables by the schema at `/graphql/schema`; nothing was done.";
}
