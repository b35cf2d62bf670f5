import { useChoice, useChoices } from '@/lib/choices'

export const DENSITIES = ['comfortable', 'compact'] as const
export type Density = (typeof DENSITIES)[number]

/** What a wide row can show beside the state and the name, from left to right. */
export const COLUMNS = ['image', 'host', 'health', 'restarts', 'uptime', 'since'] as const
export type Column = (typeof COLUMNS)[number]

const PRESET: readonly Column[] = ['image', 'host', 'health', 'uptime', 'since']

/** How this browser wants its list. */
export function useListView() {
  return {
    density: useChoice<Density>('density', DENSITIES, 'comfortable'),
    columns: useChoices<Column>('columns', COLUMNS, PRESET),
  }
}

const STATE_PX = 104
const NAME_PX = 150
const GAP_PX = 16
const PADDING_PX = 32

/** Least and greatest width. The image has no track of its own: it stands with the name. */
const TRACKS: Record<Exclude<Column, 'image'>, [number, number]> = {
  host: [96, 150],
  health: [136, 152],
  restarts: [104, 104],
  uptime: [96, 268],
  since: [104, 116],
}
/** Who goes first when there is no room for all. */
const LEAST_NEEDED: Column[] = ['restarts', 'host', 'uptime', 'health', 'since']

export interface RowLayout {
  columns: Column[]
  template: string
  /** How many days the bars show: each wants some room. */
  days: 30 | 90
}

const ALL_DAYS_PX = 180

/** The chosen columns that find room in `width` pixels, and the grid that holds them. */
export function layOut(chosen: readonly Column[], width: number): RowLayout {
  let columns = [...chosen]
  for (const column of LEAST_NEEDED) {
    if (widthOf(columns, 'least') <= width) break
    columns = columns.filter((other) => other !== column)
  }
  // What is left when all others have enough is shared by the name and the bars.
  const [least, most] = TRACKS.uptime
  const spare = width - widthOf(columns, 'most') + most - least
  const uptime = Math.round(Math.min(most, least + Math.max(0, spare) / 2))
  const tracks = tracksOf(columns).map((track) => `minmax(${track[0]}px, ${track === TRACKS.uptime ? uptime : track[1]}px)`)
  return {
    columns,
    template: [`${STATE_PX}px`, `minmax(${NAME_PX}px, 1fr)`, ...tracks].join(' '),
    days: uptime < ALL_DAYS_PX ? 30 : 90,
  }
}

function tracksOf(columns: readonly Column[]): [number, number][] {
  return columns.flatMap((column) => (column === 'image' ? [] : [TRACKS[column]]))
}

function widthOf(columns: readonly Column[], which: 'least' | 'most'): number {
  const tracks = tracksOf(columns).map(([least, most]) => GAP_PX + (which === 'least' ? least : most))
  return tracks.reduce((sum, px) => sum + px, PADDING_PX + STATE_PX + GAP_PX + NAME_PX)
}

export const HEIGHTS: Record<Density, { header: number; wide: number; narrow: number }> = {
  comfortable: { header: 42, wide: 54, narrow: 92 },
  compact: { header: 34, wide: 34, narrow: 46 },
}
