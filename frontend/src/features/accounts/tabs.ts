import type { Role } from '@/api/types'
import type { IconName } from '@/ui/icons'

export interface SettingsTab {
  /** Its route, and the last part of its address. */
  name: string
  label: string
  icon: IconName
  /** For administrators only. */
  admin?: boolean
}

/** The pages of the settings, for their navigation and the menu of the user. */
const TABS: SettingsTab[] = [
  { name: 'account', label: 'accounts.tab.account', icon: 'user' },
  { name: 'channels', label: 'channels.title', icon: 'bell' },
  { name: 'webhooks', label: 'webhooks.title', icon: 'link' },
  { name: 'users', label: 'accounts.tab.users', icon: 'eye', admin: true },
  { name: 'tokens', label: 'accounts.tab.tokens', icon: 'plug', admin: true },
  { name: 'audit', label: 'accounts.tab.audit', icon: 'clock', admin: true },
]

export const tabsFor = (role: Role | undefined) => TABS.filter((tab) => !tab.admin || role === 'admin')

export const tabOf = (name: unknown) => TABS.find((tab) => tab.name === name)
