"""How the page's files are called in production: by what is in them."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Modules import one another by their hashed names, too: otherwise old ones would be mixed
    with new ones in the minutes after a deployment."""

    support_js_module_import_aggregation = True
