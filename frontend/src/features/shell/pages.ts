import type { IconName } from '@/ui/icons'

export interface Page {
  /** Its label is in the locale files under `nav`. */
  name: string
  to: string
  icon: IconName
  /** The letter that follows "g" on the keyboard. */
  key: string
}

/** The pages, for the navigation, the palette and the keyboard. */
export const PAGES: Page[] = [
  { name: 'dashboard', to: '/', icon: 'home', key: 'd' },
  { name: 'containers', to: '/containers', icon: 'box', key: 'c' },
  { name: 'endpoints', to: '/endpoints', icon: 'pulse', key: 'e' },
  { name: 'heartbeats', to: '/heartbeats', icon: 'heart', key: 'h' },
  { name: 'certificates', to: '/certificates', icon: 'lock', key: 's' },
  { name: 'alerts', to: '/alerts', icon: 'bell', key: 'a' },
]

/** `/containers/12` belongs to Containers, but the dashboard is only itself. */
export function isCurrent(path: string, to: string): boolean {
  return to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`)
}
