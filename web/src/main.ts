import { mount } from "svelte";
import App from "./App.svelte";
import "./style.css";
import { applyTheme } from "./parts/theme.svelte";

applyTheme();
const target = document.getElementById("console");
if (target) mount(App, { target });
