using PmemFleet.Nvdimm.Badblocks;

namespace PmemFleet.Worker.Media.Errors;

/// <summary>What a DIMM's journal says: what is poisoned, what the bus knows of that, both by DPA, and the attributes.</summary>
internal sealed class DimmErrorState
{
    /// <summary>Goes up by one with each record.</summary>
    public long Version { get; set; } = 1;

    public DimmAttributes Attributes { get; set; } = new();

    /// <summary>On the media, latent or known.</summary>
    public PoisonList Poison { get; set; } = new();

    /// <summary>The bus's list.</summary>
    public PoisonList Known { get; set; } = new();
}
