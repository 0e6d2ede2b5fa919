// What a person chose for this browser: the theme, and whether single keys act.

export type Theme = "system" | "light" | "dark";

function read(name: string): string | null {
  try {
    return localStorage.getItem(`loadmaster.${name}`);
  } catch {
    return null;
  }
}

function write(name: string, value: string): void {
  try {
    localStorage.setItem(`loadmaster.${name}`, value);
  } catch {
    // Storage may be switched off: the choice lasts as long as the page.
  }
}

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
