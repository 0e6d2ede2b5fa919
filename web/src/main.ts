import { flushSync, mount, tick } from "svelte";
import App from "./App.svelte";
import "./style.css";
import { applyTheme } from "./parts/theme.svelte";
import { typedBefore } from "./typedBefore";
import { language } from "./words/language";

applyTheme();
// The shell, which is in English, is replaced.
document.documentElement.lang = language;
const target = document.getElementById("console");
if (target) {
  const restore = typedBefore(target);
  target.replaceChildren();
  mount(App, { target });
  // The page stands before the browser takes the next key, which would act as a shortcut where no field has the focus.
  flushSync();
  void tick().then(() => restore(target));
}
