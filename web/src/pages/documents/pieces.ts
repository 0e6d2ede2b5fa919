// Piece labels by IATA Resolution 606.

/** A piece has four digits. */
export const MOST_PIECES = 9999;

/** The text of a piece's bar code: air waybill number, `0`, number of the piece; without one, the booking's reference. */
export function pieceCode(awb: string | null | undefined, reference: string, piece: number): string {
  return awb ? `${awb.replace(/\D/g, "")}0${String(piece).padStart(4, "0")}` : reference;
}
