import { createRouter, createWebHistory, type RouteLocationNormalized } from 'vue-router'
import { isSetupRequired } from '@/features/auth/api'
import { useSession } from '@/features/auth/store'

declare module 'vue-router' {
  interface RouteMeta {
    /** Pages that show before anybody signed in; everything else asks for a session. */
    public?: boolean
  }
}

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/setup', name: 'setup', component: () => import('@/features/auth/SetupPage.vue'), meta: { public: true } },
    { path: '/login', name: 'login', component: () => import('@/features/auth/LoginPage.vue'), meta: { public: true } },
    {
      path: '/',
      component: () => import('@/features/shell/AppShell.vue'),
      children: [
        { path: '', name: 'dashboard', component: () => import('@/features/dashboard/DashboardPage.vue'), meta: { byHost: true } },
        {
          path: 'containers',
          name: 'containers',
          component: () => import('@/features/containers/ContainersPage.vue'),
          meta: { byHost: true },
        },
        {
          path: 'containers/:id(\\d+)',
          name: 'container',
          component: () => import('@/features/containers/ContainerPage.vue'),
          props: (route) => ({ id: Number(route.params.id) }),
        },
        {
          path: 'endpoints',
          name: 'endpoints',
          component: () => import('@/features/endpoints/EndpointsPage.vue'),
          meta: { byHost: true },
        },
        { path: 'endpoints/new', name: 'endpoint-new', component: () => import('@/features/endpoints/EndpointFormPage.vue') },
        {
          path: 'endpoints/:id(\\d+)',
          name: 'endpoint',
          component: () => import('@/features/endpoints/EndpointPage.vue'),
          props: (route) => ({ id: Number(route.params.id) }),
        },
        {
          path: 'endpoints/:id(\\d+)/edit',
          name: 'endpoint-edit',
          component: () => import('@/features/endpoints/EndpointFormPage.vue'),
          props: (route) => ({ id: Number(route.params.id) }),
        },
        { path: 'heartbeats', name: 'heartbeats', component: () => import('@/features/heartbeats/HeartbeatsPage.vue') },
        { path: 'heartbeats/new', name: 'heartbeat-new', component: () => import('@/features/heartbeats/HeartbeatFormPage.vue') },
        {
          path: 'heartbeats/:id(\\d+)',
          name: 'heartbeat',
          component: () => import('@/features/heartbeats/HeartbeatPage.vue'),
          props: (route) => ({ id: Number(route.params.id) }),
        },
        {
          path: 'heartbeats/:id(\\d+)/edit',
          name: 'heartbeat-edit',
          component: () => import('@/features/heartbeats/HeartbeatFormPage.vue'),
          props: (route) => ({ id: Number(route.params.id) }),
        },
        { path: 'certificates', name: 'certificates', component: () => import('@/features/certificates/CertificatesPage.vue') },
        {
          path: 'certificates/:id(\\d+)',
          name: 'certificate',
          component: () => import('@/features/certificates/CertificatePage.vue'),
          props: (route) => ({ id: Number(route.params.id) }),
        },
        { path: 'logs', name: 'group-logs', component: () => import('@/features/containers/GroupLogsPage.vue') },
        { path: 'alerts', name: 'alerts', component: () => import('@/features/alerts/AlertsPage.vue') },
        {
          path: 'alerts/:id(\\d+)',
          name: 'alert',
          component: () => import('@/features/alerts/AlertPage.vue'),
          props: (route) => ({ id: Number(route.params.id) }),
        },
        {
          path: 'settings',
          component: () => import('@/features/accounts/SettingsLayout.vue'),
          redirect: '/settings/account',
          children: [
            { path: 'account', name: 'account', component: () => import('@/features/accounts/AccountPage.vue') },
            { path: 'channels', name: 'channels', component: () => import('@/features/channels/ChannelsPage.vue') },
            { path: 'webhooks', name: 'webhooks', component: () => import('@/features/webhooks/WebhooksPage.vue') },
            { path: 'users', name: 'users', component: () => import('@/features/accounts/UsersPage.vue') },
            { path: 'tokens', name: 'tokens', component: () => import('@/features/accounts/TokensPage.vue') },
            { path: 'audit', name: 'audit', component: () => import('@/features/accounts/AuditPage.vue') },
          ],
        },
        {
          path: 'c/:first/:second?',
          name: 'container-by-name',
          component: () => import('@/features/containers/NamedContainerPage.vue'),
          // One part is a name, two are a host and a name on it.
          props: ({ params: { first, second } }) => (second ? { host: first, name: second } : { name: first }),
        },
        {
          path: ':anything(.*)*',
          name: 'not-found',
          component: () => import('@/features/shell/NotFoundPage.vue'),
        },
      ],
    },
  ],
  scrollBehavior(to, from, saved) {
    if (saved) return saved
    // A filter or a tab changes the query only; the reader stays where they are.
    return to.path === from.path ? undefined : { top: 0 }
  },
})

router.beforeEach(async (to) => {
  if (to.meta.public) return true
  const session = useSession()
  try {
    if (await session.restore()) return true
    const { required } = await isSetupRequired()
    return required ? { name: 'setup' } : { name: 'login', query: nextQuery(to) }
  } catch {
    // The server is away: show the page, whose own error state has a Retry.
    return true
  }
})

const AWAY_MS = 2000
let wanted = ''

// After an update the old page's files are gone; the new ones come with a fresh page. While the server is away a fresh
// page would be the browser's error page, so the reader stays here until it is back.
router.onError(async (error: unknown, to) => {
  if (!(error instanceof Error) || !/dynamically imported module|module script|preload/i.test(error.message)) return
  wanted = to.fullPath
  while (wanted === to.fullPath) {
    const answer = await fetch('/api/v1/health').catch(() => null)
    if (answer?.ok) return window.location.assign(to.fullPath)
    await new Promise((resolve) => setTimeout(resolve, AWAY_MS))
  }
})

router.afterEach((_to, _from, failure) => {
  if (!failure) wanted = ''
})

function nextQuery(to: RouteLocationNormalized): Record<string, string> {
  return to.fullPath === '/' ? {} : { next: to.fullPath }
}

/** Where to go after signing in; only a path of this app is believed. */
export function safeNext(next: unknown): string {
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/'
}
