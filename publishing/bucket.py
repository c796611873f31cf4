"""Published files as objects of a store that speaks S3, each with what a server needs to send it as it is."""

from typing import Any

from storages.backends.s3 import S3Storage

from publishing.serving import ENCODINGS, content_type


class Bucket(S3Storage):
    """`bucket_name`, and `endpoint_url` or `region_name` where they are not Amazon's own, come as options."""

    def get_default_settings(self) -> dict[str, Any]:
        ours = {
            "file_overwrite": True,  # a later version stands where the one before stood
            "querystring_auth": False,  # all of it is public: addresses carry no signature
            "default_acl": None,  # who may read is the bucket's policy, for all objects alike
            "gzip": False,  # the writer makes the twins itself, so that their bytes are the same everywhere
        }
        return {**super().get_default_settings(), **ours}

    def get_object_parameters(self, name: str) -> dict[str, Any]:
        """The headers an object is sent with. A twin is its page, in another encoding."""
        parameters = {"CacheControl": "no-cache", "ContentType": content_type(name)}
        for encoding, ending in ENCODINGS.items():
            if name.endswith(ending):
                page = name.removesuffix(ending)
                return {**parameters, "ContentType": content_type(page), "ContentEncoding": encoding}
        return parameters
