import type { IconName } from '@/ui/icons'

/** The pages of the navigation; labels are in the locale files under `nav`. */
export const PAGES: { name: string; to: string; icon: IconName }[] = [
  { name: 'dashboard', to: '/', icon: 'home' },
  { name: 'containers', to: '/containers', icon: 'box' },
  { name: 'alerts', to: '/alerts', icon: 'bell' },
]

/** `/containers/12` belongs to Containers, but the dashboard is only itself. */
export function isCurrent(path: string, to: string): boolean {
  return to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`)
}
