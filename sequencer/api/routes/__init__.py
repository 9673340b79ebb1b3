"""The routes, a module a group: `router(services)` gives those of one."""
