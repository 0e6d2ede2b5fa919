// The console's texts with those of stations, for their pages alone: the first load is without them.
import { shown, words as common } from "./index";
import { stationTexts } from "./stationTexts";

export const words = { ...common, ...shown(await stationTexts()) };
