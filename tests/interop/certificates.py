"""Certificates for the collectors of one test: an authority, and what it issues."""

import trustme


class Authority:
    def __init__(self, folder, name):
        self._folder, self._name, self._ca = folder, name, trustme.CA(organization_name=name)
        self.file = str(folder / f"{name}.pem")
        self._ca.cert_pem.write_to_path(self.file)

    def issue(self, name):
        """The settings of one side's own certificate, for this machine; it does for a client and for a server."""
        issued = self._ca.issue_cert("127.0.0.1", "localhost", organization_name=name)
        certificate, key = (str(self._folder / f"{self._name}-{name}.{end}") for end in ("pem", "key"))
        issued.private_key_pem.write_to_path(key)
        for at, part in enumerate(issued.cert_chain_pems):
            part.write_to_path(certificate, append=at > 0)
        return {"cert_file": certificate, "key_file": key}
