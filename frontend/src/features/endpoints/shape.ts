/** What a row of the list can show on one line. */
export interface RowShape {
  template: string
  days: 30 | 90
  percent: boolean
}

export const ROW_PX = { wide: 54, narrow: 92 }

/** Room enough for 90 bars and the figure beside them. */
const ROOMY_PX = 880

export function shapeFor(width: number): RowShape {
  const roomy = width >= ROOMY_PX
  const [spark, bars] = roomy ? ['96px', '190px 64px'] : ['72px', '96px']
  return { template: `104px minmax(140px, 1fr) ${spark} 64px ${bars} 108px`, days: roomy ? 90 : 30, percent: roomy }
}
