def crc16(data, poly=0x8408):
    """Checksum of bytes: CRC-16 with the bits in reflected order.

    The register starts with all bits set. A byte is added to its low end, then
    eight bits are shifted out, and each that was set subtracts the polynomial.
    The complement is returned with its two bytes swapped.
    """
    crc = 0xFFFF
    for byte in data:
        crc ^= int(byte)
        for bit in range(8):
            if crc & 1:
                crc = (crc >> 1) ^ poly
            else:
                crc >>= 1
    crc = ~crc & 0xFFFF
    return (crc << 8 | crc >> 8) & 0xFFFF
