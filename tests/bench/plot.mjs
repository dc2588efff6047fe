// Plots the throughputs as bars and the ratios beside their goals, as SVG.
const WIDTH = 760
const BAR = 22
const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

export function plot(result, median) {
  const parts = []
  let y = 28
  const text = (x, content, more = '') => parts.push(`<text x="${x}" y="${y}" ${more}>${escape(content)}</text>`)
  const figures = result.rows.find((row) => row.name === 'flood ÷ one-call').figures
  const rates = ['flood', 'floor', 'oneCall', 'peer'].map((name) => [name, figures.map((f) => f[name])])
  const most = Math.max(...rates.flatMap(([, values]) => values))

  text(16, 'Invitations a second (median; line: range of the rounds)', 'font-weight="bold"')
  for (const [name, values] of rates) {
    y += BAR + 8
    const at = (value) => 120 + value / most * 520
    const fill = name === 'flood' ? '#2563eb' : '#94a3b8'
    text(16, { oneCall: 'one-call', flood: 'flood (HTTP)' }[name] ?? name)
    parts.push(
      `<rect x="120" y="${y - 15}" width="${at(median(values)) - 120}" height="${BAR - 2}" fill="${fill}"/>`,
      `<path d="M${at(Math.min(...values))} ${y - 5}H${at(Math.max(...values))}" stroke="#0f172a" stroke-width="2"/>`)
    text(Math.max(at(median(values)), at(Math.max(...values))) + 8, Math.round(median(values)).toLocaleString('en'))
  }
  y += BAR + 24
  text(16, 'Ratios and their goals', 'font-weight="bold"')
  for (const row of result.rows) {
    y += BAR
    text(16, row.name)
    text(520, row.ratio.toPrecision(3), 'text-anchor="end" font-weight="bold"')
    text(540, `${row.less ? '≤' : '≥'} ${row.goal}`)
    text(620, row.isMet ? 'met' : 'missed', `fill="${row.isMet ? '#15803d' : '#b91c1c'}"`)
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 20}"` +
    ' font-family="sans-serif" font-size="14">\n' +
    `<rect width="100%" height="100%" fill="#ffffff"/>\n${parts.join('\n')}\n</svg>\n`
}
