"""Wrong manifests, and what everybody who reads them must say."""
