"""Who signed this, and signing for others: tokens, upload URLs, and the gateway's word."""
