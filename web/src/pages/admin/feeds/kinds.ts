// A feed as its dialog has it.
import { words } from "../../../words/feeds";
import type { Kind, Option } from "../edit/members";
import { COLUMNS, FORMATS, formatText, HEADERS, type Feed } from "./feed";

/** A feed, with the member that is only ever written. */
export type FeedRecord = Feed & { headers?: never };

const { members, hints, edit, kinds, applies } = words.feeds;
const options = (of: Record<string, string>): Option[] =>
  Object.entries(of).map(([value, label]) => ({ value, label }));

/** The kind of a feed that is changed; of none, of a new one. */
export const feedKind = (feed: Feed | null): Kind<FeedRecord> => ({
  path: "/api/v1/feeds",
  id: ({ id }) => id,
  called: ({ name }) => name,
  words: edit,
  members: [
    { name: "name", label: members.name, type: "text" },
    {
      name: "kind",
      label: members.kind,
      type: "choice",
      isFixed: true,
      initial: "SEASON",
      options: options(kinds),
    },
    {
      name: "format",
      label: members.format,
      type: "choice",
      initial: "CSV",
      options: FORMATS.map((value) => ({ value, label: formatText(value) })),
    },
    {
      name: "airline_codes",
      label: members.airline_codes,
      type: "list",
      isOptional: feed?.kind === "REFERENCE_RATES",
      hint: hints.airlines,
    },
    { name: "url", label: members.url, type: "text", isOptional: true, hint: hints.url },
    {
      name: "headers",
      label: members.headers,
      type: "lines",
      isOptional: true,
      lines: HEADERS,
      hint: feed && feed.header_names.length > 0 ? hints.kept(feed.header_names.join(", ")) : hints.headers,
    },
    { name: "folder", label: members.folder, type: "text", isOptional: true, hint: hints.folder },
    { name: "every_minutes", label: members.every_minutes, type: "number", initial: "60", hint: hints.every },
    {
      name: "columns",
      label: members.columns,
      type: "lines",
      isOptional: true,
      lines: COLUMNS,
      hint: hints.columns,
    },
    { name: "apply", label: members.apply, type: "choice", initial: "REVIEW", options: options(applies) },
    { name: "cancels_absent", label: members.cancels_absent, type: "flag" },
  ],
});
