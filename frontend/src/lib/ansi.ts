/** Splits one log line at its colour codes (SGR, `ESC[…m`) into pieces with class names. */
export interface Piece {
  text: string
  classes: string
}

interface Pen {
  fg: number | null
  bg: number | null
  bold: boolean
  dim: boolean
  italic: boolean
  underline: boolean
  inverse: boolean
}

const SGR = /\x1b\[([\d;:]*)m/g
const PLAIN: Pen = { fg: null, bg: null, bold: false, dim: false, italic: false, underline: false, inverse: false }

export function parseAnsi(line: string): Piece[] {
  if (!line.includes('\x1b')) return [{ text: line, classes: '' }]
  const pieces: Piece[] = []
  let pen: Pen = { ...PLAIN }
  let from = 0
  for (const match of line.matchAll(SGR)) {
    if (match.index > from) pieces.push({ text: line.slice(from, match.index), classes: classesOf(pen) })
    pen = applyCodes(pen, match[1] ?? '')
    from = match.index + match[0].length
  }
  if (from < line.length || pieces.length === 0) pieces.push({ text: line.slice(from), classes: classesOf(pen) })
  return pieces
}

export function stripAnsi(line: string): string {
  return line.replace(SGR, '')
}

function classesOf(pen: Pen): string {
  const classes: string[] = []
  if (pen.fg !== null) classes.push(`ansi-fg-${pen.fg}`)
  if (pen.bg !== null) classes.push(`ansi-bg-${pen.bg}`)
  if (pen.bold) classes.push('ansi-bold')
  if (pen.dim) classes.push('ansi-dim')
  if (pen.italic) classes.push('ansi-italic')
  if (pen.underline) classes.push('ansi-underline')
  if (pen.inverse) classes.push('ansi-inverse')
  return classes.join(' ')
}

function applyCodes(start: Pen, parameters: string): Pen {
  const codes = parameters.split(/[;:]/).map(Number)
  let pen = { ...start }
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0
    if (code === 0) pen = { ...PLAIN }
    else if (code === 1) pen.bold = true
    else if (code === 2) pen.dim = true
    else if (code === 3) pen.italic = true
    else if (code === 4) pen.underline = true
    else if (code === 7) pen.inverse = true
    else if (code === 22) pen.bold = pen.dim = false
    else if (code === 23) pen.italic = false
    else if (code === 24) pen.underline = false
    else if (code === 27) pen.inverse = false
    else if (code >= 30 && code <= 37) pen.fg = code - 30
    else if (code === 39) pen.fg = null
    else if (code >= 40 && code <= 47) pen.bg = code - 40
    else if (code === 49) pen.bg = null
    else if (code >= 90 && code <= 97) pen.fg = code - 82
    else if (code >= 100 && code <= 107) pen.bg = code - 92
    else if (code === 38 || code === 48) {
      const { colour, used } = extendedColour(codes.slice(i + 1))
      if (code === 38) pen.fg = colour
      else pen.bg = colour
      i += used
    }
  }
  return pen
}

/** 256-colour and true-colour codes come down to the nearest of our sixteen, so both themes stay readable. */
function extendedColour(rest: number[]): { colour: number | null; used: number } {
  const [mode, a = 0, b = 0, c = 0] = rest
  if (mode === 2) return { colour: nearest(a, b, c), used: 4 }
  if (mode !== 5) return { colour: null, used: 0 }
  if (a < 16) return { colour: a, used: 2 }
  if (a >= 232) {
    const grey = 8 + (a - 232) * 10
    return { colour: nearest(grey, grey, grey), used: 2 }
  }
  const level = (n: number) => (n === 0 ? 0 : 55 + n * 40)
  const cube = a - 16
  const rgb = [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map(level)
  return { colour: nearest(rgb[0] ?? 0, rgb[1] ?? 0, rgb[2] ?? 0), used: 2 }
}

function nearest(r: number, g: number, b: number): number {
  const max = Math.max(r, g, b)
  const bright = max > 190 ? 8 : 0
  if (max - Math.min(r, g, b) < 30) return max < 60 ? 0 : max < 150 ? 8 : max < 220 ? 7 : 15
  const half = max / 2
  return bright + (r > half ? 1 : 0) + (g > half ? 2 : 0) + (b > half ? 4 : 0)
}

/** Cuts the pieces further so that every occurrence of `query` is a piece of its own, marked as a hit. */
export function markHits(pieces: Piece[], query: string): (Piece & { hit: boolean })[] {
  if (!query) return pieces.map((piece) => ({ ...piece, hit: false }))
  const text = pieces.map((piece) => piece.text).join('').toLowerCase()
  const needle = query.toLowerCase()
  const hits: [number, number][] = []
  for (let at = text.indexOf(needle); at !== -1; at = text.indexOf(needle, at + needle.length)) {
    hits.push([at, at + needle.length])
  }
  const marked: (Piece & { hit: boolean })[] = []
  let start = 0
  for (const piece of pieces) {
    const end = start + piece.text.length
    const cuts = hits.flatMap(([from, to]) => [from, to]).filter((cut) => cut > start && cut < end)
    const edges = [start, ...cuts, end]
    for (let i = 0; i + 1 < edges.length; i++) {
      const from = edges[i] ?? start
      const to = edges[i + 1] ?? end
      if (from === to) continue
      const hit = hits.some(([a, b]) => from >= a && to <= b)
      marked.push({ text: piece.text.slice(from - start, to - start), classes: piece.classes, hit })
    }
    start = end
  }
  return marked
}
