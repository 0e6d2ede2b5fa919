// The texts of the dimensions of freight in German, which are loaded where dimensions are typed, or judged.
import type { FreightWords } from "./en-freight";

const plural = (count: number, one: string, many: string) => (count === 1 ? one : many);

export const deFreight: FreightWords = {
  dimensions: {
    text: "Eine Zeile für Packstücke gleicher Größe. Zeilen lassen sich aus einer Tabelle einfügen, in der Reihenfolge der Spalten.",
    columns: {
      pieces: "Packstücke",
      length: "Länge (cm)",
      width: "Breite (cm)",
      height: "Höhe (cm)",
      weight: "Gewicht je Stück (kg)",
    },
    tiltable: "Darf auf jeder Seite liegen",
    stackable: "Stapelbar",
    remove: "Zeile entfernen",
    cell: (column, row) => `${column}, Zeile ${row}`,
    pasted: (count, shown) => `${shown} ${plural(count, "Zeile", "Zeilen")} eingefügt.`,
  },
  doors: {
    title: "Packstücke und Türen",
    piece: "Packstück",
    decks: { LOWER: "Unterdeck", MAIN: "Hauptdeck", BULK: "Bulk-Raum" },
    passes: "passt hindurch",
    because: {
      height: "zu hoch",
      width: "zu breit",
      length: "zu lang",
      size: "passt in keiner Lage",
      weight: "zu schwer",
    },
    tooLarge: (flight, line, size, door) =>
      `${flight} hat keine Ladetür für die Packstücke der Zeile ${line} (${size}); die größte misst ${door}.`,
    unknown: (code) => `Die Türen von ${code} sind nicht bekannt.`,
  },
  oversize: {
    title: "Packstücke, die durch keine Tür dieses Flugzeugs passen",
    of: (booking, line, size) => `${booking}: Zeile ${line}, ${size}`,
    accept: "Die Packstücke dennoch mitnehmen",
    stay: "Sie bleiben dennoch auf dem Flug",
  },
};
