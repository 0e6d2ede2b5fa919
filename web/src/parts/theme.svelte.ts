// What a person chose for this browser: the theme, whether single keys act, and how long the pages of lists are.
import { storedText, storeText } from "../stored";

export type Theme = "system" | "light" | "dark";

/** Rows that a page of a list can have; the API's own number is among them. */
export const PAGE_SIZES = [25, 50, 100] as const;
export type PageSize = (typeof PAGE_SIZES)[number];
const sizeOf = (size: number): PageSize => PAGE_SIZES.find((known) => known === size) ?? 50;

const read = (name: string) => storedText("localStorage", `loadmaster.${name}`);
const write = (name: string, value: string) => storeText("localStorage", `loadmaster.${name}`, value);

class Choices {
  theme = $state<Theme>("system");
  keysAct = $state(true);
  pageSize = $state<PageSize>(50);

  constructor() {
    const theme = read("theme");
    if (theme === "light" || theme === "dark") this.theme = theme;
    this.keysAct = read("keys") !== "off";
    this.pageSize = sizeOf(Number(read("page-size")));
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    write("theme", theme);
    applyTheme();
  }

  setKeysAct(keysAct: boolean): void {
    this.keysAct = keysAct;
    write("keys", keysAct ? "on" : "off");
  }

  setPageSize(size: number): void {
    this.pageSize = sizeOf(size);
    write("page-size", String(this.pageSize));
  }
}

export const choices = new Choices();

export function applyTheme(): void {
  if (choices.theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = choices.theme;
}
