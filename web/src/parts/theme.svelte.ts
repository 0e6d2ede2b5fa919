// What a person chose for this browser: the theme, and whether single keys act.
import { storedText, storeText } from "../stored";

export type Theme = "system" | "light" | "dark";

const read = (name: string) => storedText("localStorage", `loadmaster.${name}`);
const write = (name: string, value: string) => storeText("localStorage", `loadmaster.${name}`, value);

class Choices {
  theme = $state<Theme>("system");
  keysAct = $state(true);

  constructor() {
    const theme = read("theme");
    if (theme === "light" || theme === "dark") this.theme = theme;
    this.keysAct = read("keys") !== "off";
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
}

export const choices = new Choices();

export function applyTheme(): void {
  if (choices.theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = choices.theme;
}
