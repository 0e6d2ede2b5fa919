// The texts of the page of GraphiQL in English, which only that page loads. GraphiQL's own interface is in English.
export const enGraphiql = {
  graphiql: {
    heading: "GraphQL",
    text: "Write queries against the GraphQL API and run them with the rights of your session.",
    counts: "They count towards your quota, and mutations change real bookings.",
    anonymous: "You are not signed in: only data that anyone may read is shown.",
    off: "GraphQL is switched off on this server.",
    schema: "Download the schema",
    editor: "GraphiQL",
  },
};

export type GraphiqlWords = typeof enGraphiql;
