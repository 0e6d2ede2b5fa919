// The console's texts with those of feeds, for what shows feeds alone: the first load is without them.
import { feedTexts } from "./feedTexts";
import { shown, words as common } from "./index";

export const words = { ...common, ...shown(await feedTexts()) };
