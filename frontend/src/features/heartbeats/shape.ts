/** What a row of the list can show on one line. */
export interface RowShape {
  template: string
  days: 30 | 90
}

export const ROW_PX = { wide: 56, narrow: 92 }

/** Room enough for 90 bars. */
const ROOMY_PX = 880

export function shapeFor(width: number): RowShape {
  const isRoomy = width >= ROOMY_PX
  return { template: `96px minmax(160px, 1fr) 124px ${isRoomy ? '190px' : '96px'} 116px`, days: isRoomy ? 90 : 30 }
}
