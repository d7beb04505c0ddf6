"""The SFU: one UDP port, ICE-lite, negotiation, data planes; it forwards and never decodes."""
