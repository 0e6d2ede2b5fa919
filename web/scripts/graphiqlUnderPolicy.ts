// Adapts GraphiQL to the policy of the console, which admits neither HTML of a text nor a `style` element: descriptions of the
// schema are shown as text, and modules that would write styles into the page are replaced by plain ones. The fonts of GraphiQL,
// 380 kB within its styles, are left out.
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

const plain = (name: string) => fileURLToPath(new URL(`../src/pages/graphiql/plain/${name}.ts`, import.meta.url));

/** Modules by the name by which GraphiQL and its parts import them. */
const REPLACED: Record<string, string> = {
  "framer-motion": plain("reorder"),
  "markdown-it": plain("markdown"),
  "react-remove-scroll": plain("removeScroll"),
};

/** By the end of a module's path: what is written in place of what, and how often it occurs. */
const CHANGED: readonly { path: string; from: string | RegExp; to: string; times: number }[] = [
  { path: "codemirror-graphql/esm/info.js", from: ".innerHTML =", to: ".textContent =", times: 2 },
  { path: "@graphiql/react/dist/editor/completion.js", from: ".innerHTML =", to: ".textContent =", times: 4 },
  { path: "@graphiql/react/dist/ui/markdown.js", from: "dangerouslySetInnerHTML: t5", to: "children: t4", times: 1 },
  { path: "graphiql/dist/style.css", from: /@font-face\s*\{[^}]*\}/g, to: "", times: 34 },
];

export function graphiqlUnderPolicy(): Plugin {
  return {
    name: "graphiql-under-policy",
    enforce: "pre",
    resolveId: (source) => REPLACED[source] ?? null,
    transform(code, id) {
      const path = id.split("?")[0] ?? "";
      const change = CHANGED.find((one) => path.endsWith(`/node_modules/${one.path}`));
      if (!change) return null;
      const pieces = code.split(change.from);
      if (pieces.length - 1 !== change.times)
        this.error(`${change.path} has ${pieces.length - 1} places to change in place of ${change.times}`);
      return { code: pieces.join(change.to), map: null };
    },
  };
}
