import { mount } from "svelte";
import App from "./App.svelte";
import "./style.css";
import { applyTheme } from "./parts/theme.svelte";
import { typedBefore } from "./typedBefore";

applyTheme();
const target = document.getElementById("console");
if (target) {
  const restore = typedBefore(target);
  target.replaceChildren();
  mount(App, { target });
  // The page stands before the next picture.
  requestAnimationFrame(() => restore(target));
}
