// The console's texts with those of consolidations, for their pages alone: the first load is without them.
import { shown, words as common } from "./index";
import { consolidationTexts } from "./language";

export const words = { ...common, ...shown(await consolidationTexts()) };
