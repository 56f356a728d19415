using System.Collections.Immutable;

namespace PmemFleet.Nvdimm.Labels;

/// <summary>One write to a DIMM's label area. The order of writes is the crash protocol: a stop after any of them leaves the old or the new state.</summary>
/// <param name="Dimm">The DIMM's number.</param>
/// <param name="Offset">Bytes from the area's start.</param>
/// <param name="Bytes">What is written.</param>
public sealed record LabelWrite(int Dimm, int Offset, ImmutableArray<byte> Bytes);
