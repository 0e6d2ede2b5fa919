// GraphiQL, which is made with React, in an element of the page; its styles apply while it is there.
import { GraphiQL } from "graphiql";
import styles from "graphiql/style.css?inline";
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import type { Theme } from "../../parts/theme.svelte";
import accessible from "./accessible.css?inline";
import { ask, type Asked } from "./fetcher";
import { memoryOf } from "./memory";

const FIRST = `# Ctrl-Enter runs the operation, Ctrl-Space completes what you type.
query Departures {
  flights(origin: "DEL", status: "SCHEDULED", first: 5) {
    nodes {
      flightNumber
      destination
      departureDatetime
      status
    }
  }
}
`;

export interface Mounted {
  show: (theme: Theme) => void;
  end: () => void;
}

function sheetOf(styles: string): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(styles);
  return sheet;
}

/** Gives the fields of editors the names of their sections, and makes what scrolls beside a field reachable by keyboard. */
function nameEditors(place: HTMLElement): void {
  for (const field of place.querySelectorAll(".CodeMirror textarea:not([aria-label])"))
    field.setAttribute("aria-label", field.closest("section[aria-label]")?.getAttribute("aria-label") ?? "Editor");
  for (const lines of place.querySelectorAll('.CodeMirror-scroll[tabindex="-1"]')) lines.setAttribute("tabindex", "0");
}

/** Shows GraphiQL in `place`, with the tabs that this person left. */
export function mounted(place: HTMLElement, person: string | null): Mounted {
  const sheets = [styles, accessible].map(sheetOf);
  document.adoptedStyleSheets.push(...sheets);
  const editors = new MutationObserver(() => nameEditors(place));
  editors.observe(place, { childList: true, subtree: true });
  const root = createRoot(place);
  const storage = memoryOf(person);
  const fetcher = (asked: Asked, options?: { headers?: Record<string, unknown> }) => ask(asked, options?.headers);
  return {
    show: (theme) =>
      root.render(
        createElement(GraphiQL, {
          fetcher,
          storage,
          forcedTheme: theme,
          defaultQuery: FIRST,
          shouldPersistHeaders: false,
          showPersistHeadersSettings: false,
        }),
      ),
    end: () => {
      editors.disconnect();
      root.unmount();
      document.body.classList.remove("graphiql-light", "graphiql-dark");
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => !sheets.includes(one));
    },
  };
}
