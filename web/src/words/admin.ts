// The console's texts with those of administrators, for their pages alone: the first load of everybody else is without them.
import { shown, words as common } from "./index";
import { adminTexts } from "./language";

export const words = { ...common, ...shown(await adminTexts()) };
