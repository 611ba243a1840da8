"""requests' way to a host, whose connections end with the call's deadline."""

from __future__ import annotations

from typing import Any

from requests.adapters import HTTPAdapter

from spacy_lambda.client.deadline import watched

__all__ = ["WatchedAdapter"]


class WatchedAdapter(HTTPAdapter):
    """Connections that end with the call's deadline, through proxies too."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make the pools."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = watched(self.poolmanager.pool_classes_by_scheme)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Make the pools of a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = watched(manager.pool_classes_by_scheme)
        return manager
