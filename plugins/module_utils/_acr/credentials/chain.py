# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which access key signs: the first that is found, in one order (docs/credentials.md has it as a table)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ..._oci.errors import ImageOpsError, InputError
from ..api.signature import AccessKey, KeySource
from .cli_profile import Profile, ProfileFile
from .environment import Environment
from .instance_metadata import MetadataService
from .renewed_key import RenewedKey
from .roles import KeyOptions, OidcRole, Role
from .security_token import Connect, assume_role, assume_role_with_oidc

_HINT = (
    "give access_key_id and access_key_secret, or set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET "
    "where the task runs; profile, ecs_ram_role and assume_role_with_oidc name other sources"
)


@dataclass(frozen=True)
class Origin:
    """Where a key comes from; without any secret.

    :param source: ``options``, ``profile``, ``environment``, ``oidc`` or ``ecs_ram_role``
    :param name: which one: the option, the profile, the variable, the role
    :param role_arn: the role that was assumed; empty for none
    :param temporary: whether it is a key of STS, which some calls refuse
    """

    source: str
    name: str
    role_arn: str = ""
    temporary: bool = False


@dataclass(frozen=True)
class SigningKeys:
    """A source of keys, and where they come from."""

    source: KeySource = field(repr=False)
    origin: Origin


class KeyChain:
    """Looks for the key that signs.

    :param environ: the environment where the task runs
    :param connect: gives a client of STS, for roles
    :param on_secret: told every secret before it is used
    :param profiles: the profiles of the vendor's command-line tool
    :param metadata: the metadata service of ECS, asked only where a role is named for it
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        connect: Connect,
        on_secret: Callable[[str], None],
        profiles: ProfileFile | None = None,
        metadata: MetadataService | None = None,
    ) -> None:
        self._environment = Environment(environ)
        self._connect = connect
        self._on_secret = on_secret
        self._profiles = profiles or ProfileFile()
        self._metadata = metadata or MetadataService(version_1=not self._environment.metadata_v1_disabled())

    def find(self, options: KeyOptions) -> SigningKeys:
        """Return the first key that is found. Nothing is asked of any server yet.

        :raises InputError: when the options give more than one key
        :raises ImageOpsError: ``no_credentials`` when there is no key, or what is named cannot be used
        """
        found = self._from_options(options) or self._from_surroundings(assumed=options.role is not None)
        if found is None:
            raise self._nothing()
        return self._assumed(found, options.role) if options.role is not None else found

    def _from_options(self, options: KeyOptions) -> SigningKeys | None:
        """Return the key that the options give, else the one of the profile that they name."""
        given = {
            "access_key_id": options.key is not None,
            "ecs_ram_role": bool(options.ecs_ram_role),
            "assume_role_with_oidc": options.oidc is not None,
        }
        named = [name for name, there in given.items() if there]
        if len(named) > 1:
            raise InputError(subject=" and ".join(named), cause="they name different keys", hint="give one of them")
        if options.key is not None:
            return self._fixed(options.key, "options", "access_key_id")
        if options.ecs_ram_role:
            return self._of_instance(options.ecs_ram_role, "ecs_ram_role", options.ecs_ram_role)
        if options.oidc is not None:
            return self._of_oidc(options.oidc, "options", "assume_role_with_oidc")
        return self._of_profile(self._profiles.named(options.profile)) if options.profile else None

    def _from_surroundings(self, *, assumed: bool) -> SigningKeys | None:
        """Return what environment and home directory have.

        :param assumed: the options name the role, so the environment's is left out
        """
        pair = self._environment.pair()
        if pair is not None:
            found = self._fixed(pair.key, "environment", pair.name)
            return found if pair.role is None or assumed else self._assumed(found, pair.role)
        oidc = self._environment.oidc()
        if oidc is not None:
            return self._of_oidc(oidc, "oidc", oidc.token_file)
        profile = self._profiles.current(self._environment.profile())
        if profile is not None:
            return self._of_profile(profile)
        role = self._environment.metadata_role()
        return self._of_instance(role, "ecs_ram_role", role) if role else None

    def _of_profile(self, profile: Profile, seen: tuple[str, ...] = ()) -> SigningKeys:
        if profile.name in seen:
            raise ImageOpsError(
                code="no_credentials",
                action="use",
                subject=f"the profile {profile.name} of {self._profiles.path}",
                cause="its source_profile leads back to it",
            )
        if profile.key is not None:
            found = self._fixed(profile.key, "profile", profile.name)
        elif profile.oidc is not None:
            found = self._of_oidc(profile.oidc, "profile", profile.name)
        elif profile.metadata_role:
            found = self._of_instance(profile.metadata_role, "profile", profile.name)
        else:
            found = self._of_profile(self._profiles.named(profile.source), (*seen, profile.name))
            found = replace(found, origin=replace(found.origin, name=profile.name))
        return self._assumed(found, profile.role) if profile.role is not None else found

    def _fixed(self, key: AccessKey, source: str, name: str) -> SigningKeys:
        self._tell(key)
        return SigningKeys(lambda: key, Origin(source, name, temporary=bool(key.security_token)))

    def _of_instance(self, role: str, source: str, name: str) -> SigningKeys:
        if self._environment.metadata_disabled():
            raise ImageOpsError(
                code="no_credentials",
                action="get a key of the ECS instance's role",
                subject=role,
                cause="ALIBABA_CLOUD_ECS_METADATA_DISABLED forbids to ask the metadata service",
            )
        return self._renewed(lambda: self._metadata.key(role), Origin(source, name, temporary=True))

    def _of_oidc(self, role: OidcRole, source: str, name: str) -> SigningKeys:
        origin = Origin(source, name, role.arn, temporary=True)
        return self._renewed(lambda: assume_role_with_oidc(self._connect, role, self._on_secret), origin)

    def _assumed(self, found: SigningKeys, role: Role) -> SigningKeys:
        origin = replace(found.origin, role_arn=role.arn, temporary=True)
        return self._renewed(lambda: assume_role(self._connect, found.source, role), origin)

    def _renewed(self, fetch: Callable[[], AccessKey], origin: Origin) -> SigningKeys:
        def fetched() -> AccessKey:
            key = fetch()
            self._tell(key)
            return key

        return SigningKeys(RenewedKey(fetched), origin)

    def _tell(self, key: AccessKey) -> None:
        for secret in (key.access_key_secret, key.security_token):
            if secret:
                self._on_secret(secret)

    def _nothing(self) -> ImageOpsError:
        unused = "; ".join(self._environment.unusable())
        return ImageOpsError(
            code="no_credentials",
            action="sign calls to",
            subject="Alibaba Cloud",
            cause=f"there is no access key: {unused}" if unused else "there is no access key",
            hint=_HINT,
        )
