// The texts whose contrast with what is behind them is under 4.5, as WCAG 2 counts it.
const parse = (color) => {
  const [red, green, blue, alpha = 1] = color.match(/[\d.]+/g).map(Number);
  return { channels: [red, green, blue], alpha };
};
const luminance = ({ channels }) => {
  const [red, green, blue] = channels.map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = parse(getComputedStyle(at).backgroundColor);
    if (color.alpha === 1) return color;
  }
  return parse("rgb(255, 255, 255)");
};
const low = [];
for (const element of document.querySelectorAll("body *")) {
  const holdsText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  if (!(holdsText || element.matches("input, textarea, select")) || !element.checkVisibility()) continue;
  const [one, other] = [luminance(parse(getComputedStyle(element).color)), luminance(behind(element))];
  const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  if (contrast < 4.5) low.push(`${element.tagName} ${element.id} ${element.textContent.slice(0, 40)}: ${contrast.toFixed(2)}`);
}
return low;
