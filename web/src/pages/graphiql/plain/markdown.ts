// In place of markdown-it: a description stays the text that it is.
export default class PlainText {
  render = (text: string): string => text;
}
