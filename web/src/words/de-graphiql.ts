// The texts of the page of GraphiQL in German. GraphiQL's own interface is in English.
import type { GraphiqlWords } from "./en-graphiql";

export const deGraphiql: GraphiqlWords = {
  graphiql: {
    heading: "GraphQL",
    text: "Schreiben Sie Abfragen an die GraphQL-API und führen Sie sie mit den Rechten Ihrer Sitzung aus.",
    counts: "Sie zählen zu Ihrem Kontingent, und Mutationen ändern echte Buchungen.",
    anonymous: "Sie sind nicht angemeldet: Gezeigt wird nur, was jeder lesen darf.",
    off: "GraphQL ist auf diesem Server ausgeschaltet.",
    schema: "Schema herunterladen",
    editor: "GraphiQL",
  },
};
