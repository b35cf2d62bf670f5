/** Shapes that say what a colour says, on a 16 × 16 grid: nobody needs to tell red from green. */
export const MARKS = {
  disc: { fill: 'M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3z' },
  square: { fill: 'M3.5 3.5h9v9h-9z' },
  triangle: { fill: 'M8 2.6l6 10.8H2z' },
  check: { line: 'M3.2 8.4l3.2 3.2 6.4-7' },
  turn: { line: 'M12.8 8a4.8 4.8 0 1 1-1.5-3.5M12.9 2.2v2.9H10' },
  pause: { line: 'M5.6 3.8v8.4M10.4 3.8v8.4' },
  ring: { line: 'M8 3.4a4.6 4.6 0 1 0 0 9.2 4.6 4.6 0 0 0 0-9.2z' },
  cross: { line: 'M3.8 3.8l8.4 8.4M12.2 3.8l-8.4 8.4' },
} as const satisfies Record<string, { fill: string } | { line: string }>

export type Mark = keyof typeof MARKS
