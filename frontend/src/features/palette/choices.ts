import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRoute, useRouter } from 'vue-router'
import type { Container } from '@/api/types'
import { useSession } from '@/features/auth/store'
import { placeOf } from '@/features/certificates/standing'
import { useCertificates } from '@/features/certificates/store'
import { stableLink } from '@/features/containers/names'
import { useShownContainers } from '@/features/containers/shown'
import { useContainers } from '@/features/containers/store'
import { useListView } from '@/features/containers/view'
import { nameOf, standingOf, type Standing } from '@/features/endpoints/standing'
import { useEndpoints } from '@/features/endpoints/store'
import { useHeartbeats } from '@/features/heartbeats/store'
import type { HeartbeatStatus } from '@/features/heartbeats/types'
import { useHosts } from '@/features/runtime/hosts'
import { leave } from '@/features/shell/leave'
import { overlay } from '@/features/shell/overlay'
import { PAGES } from '@/features/shell/pages'
import { copyText } from '@/lib/clipboard'
import { UNGROUPED } from '@/lib/group'
import { chooseLocale, LANGUAGE_NAMES, LOCALES } from '@/lib/i18n'
import { say } from '@/lib/notice'
import { setTheme, theme, THEME_ICONS, THEMES } from '@/lib/theme'
import type { IconName } from '@/ui/icons'

export type Kind = 'page' | 'action' | 'host' | 'group' | 'endpoint' | 'heartbeat' | 'certificate' | 'container'

export interface Choice {
  /** The same tomorrow, so that it can be remembered: by name, not by number. */
  key: string
  kind: Kind
  name: string
  icon: IconName
  container?: Container
  standing?: Standing
  status?: HeartbeatStatus
  /** "g c": the key that does the same. */
  keys?: string
  /** The language of the name, when it is another than the page's. */
  lang?: string
  run: () => unknown
}

/** All that the palette can do right now, by kind. */
export function usePaletteChoices() {
  const { t } = useI18n()
  const router = useRouter()
  const containers = useContainers()
  const { shown } = useShownContainers()
  const hosts = useHosts()
  const endpoints = useEndpoints()
  const heartbeats = useHeartbeats()
  const certificates = useCertificates()
  const actions = useActions()

  const pages = computed<Choice[]>(() => [
    ...PAGES.map(({ name, to, icon, key }) => ({
      key: `page ${name}`,
      kind: 'page' as const,
      name: t(`nav.${name}`),
      icon,
      keys: `g ${key}`,
      run: () => router.push(to),
    })),
    {
      key: 'page problems',
      kind: 'page',
      name: t('palette.problems'),
      icon: 'warning',
      run: () => router.push('/containers?problems=1'),
    },
  ])

  const hostChoices = computed<Choice[]>(() => {
    if (!hosts.several) return []
    const all: Choice = { key: 'host', kind: 'host', name: t('hosts.all'), icon: 'group', run: () => hosts.choose(null) }
    const each = hosts.all.map(({ name, connected }): Choice => ({
      key: `host ${name}`,
      kind: 'host',
      name: t('palette.host', { host: name }),
      icon: connected ? 'server' : 'plug',
      run: () => hosts.choose(name),
    }))
    return hosts.chosen ? [all, ...each] : each
  })

  const groups = computed<Choice[]>(() => {
    const names = new Set(shown.value.map(({ id }) => containers.groupOf.get(id) ?? UNGROUPED))
    names.delete(UNGROUPED)
    return [...names].sort((a, b) => a.localeCompare(b)).map((group) => ({
      key: `group ${group}`,
      kind: 'group',
      name: t('palette.group', { group }),
      icon: 'group',
      run: () => router.push({ path: '/containers', query: { group } }),
    }))
  })

  const containerChoices = computed<Choice[]>(() =>
    containers.all.map((container) => ({
      key: `container ${container.host} ${container.name}`,
      kind: 'container',
      name: container.name,
      icon: 'box',
      container,
      run: () => router.push(`/containers/${container.id}`),
    })),
  )

  const endpointChoices = computed<Choice[]>(() =>
    endpoints.all.map((endpoint) => ({
      key: `endpoint ${endpoint.target} ${nameOf(endpoint)}`,
      kind: 'endpoint',
      name: endpoint.name ?? `${nameOf(endpoint)} · ${endpoint.target}`,
      icon: 'pulse',
      standing: standingOf(endpoint),
      run: () => router.push(`/endpoints/${endpoint.id}`),
    })),
  )

  const heartbeatChoices = computed<Choice[]>(() =>
    heartbeats.all.map((heartbeat) => ({
      key: `heartbeat ${heartbeat.slug}`,
      kind: 'heartbeat',
      name: heartbeat.name,
      icon: 'heart',
      status: heartbeat.status,
      run: () => router.push(`/heartbeats/${heartbeat.id}`),
    })),
  )

  const certificateChoices = computed<Choice[]>(() =>
    certificates.all.map((certificate) => ({
      key: `certificate ${placeOf(certificate)}`,
      kind: 'certificate',
      name: t('palette.certificate', { name: placeOf(certificate) }),
      icon: 'lock',
      run: () => router.push(`/certificates/${certificate.id}`),
    })),
  )

  return computed(() => [
    ...pages.value,
    ...hostChoices.value,
    ...actions.value,
    ...groups.value,
    ...endpointChoices.value,
    ...heartbeatChoices.value,
    ...certificateChoices.value,
    ...containerChoices.value,
  ])
}

function useActions() {
  const { t, locale } = useI18n()
  const route = useRoute()
  const router = useRouter()
  const session = useSession()
  const containers = useContainers()
  const hosts = useHosts()
  const { density } = useListView()

  const action = (key: string, name: string, icon: IconName, run: () => unknown, rest: Partial<Choice> = {}): Choice => ({
    key: `action ${key}`,
    kind: 'action',
    name,
    icon,
    run,
    ...rest,
  })

  async function copyLink() {
    const container = route.name === 'container' ? containers.byId.get(Number(route.params.id)) : undefined
    const done = await copyText(container ? stableLink(container, hosts.several) : window.location.href)
    say(t(done ? 'share.copied' : 'share.not_copied'))
  }

  async function signOut() {
    await leave().catch(() => say(t('error.unreachable')))
  }

  return computed<Choice[]>(() => {
    const otherDensity = density.value === 'compact' ? 'comfortable' : 'compact'
    return [
      action('link', t('share.copy'), 'link', copyLink),
      ...(session.canEdit
        ? [
            action('endpoint', t('endpoints.add'), 'plus', () => router.push('/endpoints/new')),
            action('heartbeat', t('heartbeats.add'), 'plus', () => router.push('/heartbeats/new')),
          ]
        : []),
      action('shortcuts', t('shortcuts.title'), 'keyboard', () => (overlay.value = 'shortcuts'), { keys: '?' }),
      ...THEMES.filter((name) => name !== theme.value).map((name) =>
        action(`theme ${name}`, t('palette.theme', { theme: t(`theme.${name}`) }), THEME_ICONS[name], () => setTheme(name)),
      ),
      ...LOCALES.filter((name) => name !== locale.value).map((name) =>
        action(`language ${name}`, LANGUAGE_NAMES[name], 'globe', () => chooseLocale(name), { lang: name }),
      ),
      action('density', t(`palette.density.${otherDensity}`), 'rows', () => (density.value = otherDensity)),
      ...(session.canSignOut ? [action('leave', t('auth.sign_out'), 'signOut', signOut)] : []),
    ]
  })
}
