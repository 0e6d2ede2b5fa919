// The texts of the dimensions of freight in English, which are loaded where dimensions are typed, or judged.
const plural = (count: number, one: string, many: string) => (count === 1 ? one : many);

export const enFreight = {
  dimensions: {
    text: "A row for pieces of one size. Rows can be pasted from a spreadsheet, in the order of the columns.",
    columns: {
      pieces: "Pieces",
      length: "Length (cm)",
      width: "Width (cm)",
      height: "Height (cm)",
      weight: "Weight of each (kg)",
    },
    tiltable: "May lie on any side",
    stackable: "Stackable",
    remove: "Remove row",
    cell: (column: string, row: number) => `${column}, row ${row}`,
    pasted: (count: number, shown: string) => `${shown} ${plural(count, "row", "rows")} pasted.`,
  },
  /** Of aircraft. */
  doors: {
    title: "Pieces and doors",
    piece: "Piece",
    decks: { LOWER: "Lower deck", MAIN: "Main deck", BULK: "Bulk hold" },
    passes: "passes",
    because: {
      height: "too high",
      width: "too wide",
      length: "too long",
      size: "passes in no turning",
      weight: "too heavy",
    },
    tooLarge: (flight: string, line: string, size: string, door: string) =>
      `${flight} has no door for the pieces of row ${line} (${size}); its largest is ${door}.`,
    unknown: (code: string) => `The doors of ${code} are not known.`,
  },
  /** Pieces that pass through no door. */
  oversize: {
    title: "Pieces that pass through no door of this aircraft",
    of: (booking: string, line: string, size: string) => `${booking}: line ${line}, ${size}`,
    accept: "Take the pieces along all the same",
    stay: "They stay on the flight all the same",
  },
};

/** The texts that every catalogue of dimensions has. */
export type FreightWords = typeof enFreight;
