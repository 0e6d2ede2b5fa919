// Writes the shell at build time: `scripts/shell.mjs` puts it into the answer of `/`.
import { render } from "svelte/server";
import Shell from "./Shell.svelte";

/** The markup, without the marks that only a hydration would read. */
export const shell = (): string => render(Shell).body.replace(/<!--.*?-->/gs, "");
