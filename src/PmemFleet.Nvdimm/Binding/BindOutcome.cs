using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Binding;

/// <summary>What a bind found or made on the media.</summary>
public abstract record BindOutcome
{
    private BindOutcome()
    {
    }

    /// <summary>Kernel messages the bind raised, oldest first, as dmesg shows them after the driver and device names.</summary>
    public IReadOnlyList<string> Messages { get; init; } = [];

    /// <summary>A raw block device over the whole namespace.</summary>
    public sealed record Raw : BindOutcome;

    /// <summary>A BTT claims the namespace.</summary>
    public sealed record Btt : BindOutcome
    {
        /// <summary>The BTT's uuid.</summary>
        public required Guid Uuid { get; init; }

        /// <summary>External sector size, metadata included.</summary>
        public required Bytes SectorSize { get; init; }

        /// <summary>Size of the block device: data bytes only.</summary>
        public required Bytes Size { get; init; }

        /// <summary>1.1 or 2.0.</summary>
        public required Version Version { get; init; }
    }

    /// <summary>A PFN or DAX personality claims the namespace.</summary>
    public sealed record Pages : BindOutcome
    {
        /// <summary><see cref="PersonalityKind.Pfn"/> or <see cref="PersonalityKind.Dax"/>.</summary>
        public required PersonalityKind Kind { get; init; }

        /// <summary>The personality's uuid.</summary>
        public required Guid Uuid { get; init; }

        /// <summary>Where the struct pages are.</summary>
        public required MapLocation Map { get; init; }

        /// <summary>The alignment the info block asks for.</summary>
        public required Bytes Align { get; init; }

        /// <summary>From the namespace's start to the first data byte, without <see cref="StartPad"/>.</summary>
        public required Bytes DataOffset { get; init; }

        /// <summary>Bytes skipped at the namespace's start.</summary>
        public Bytes StartPad { get; init; }

        /// <summary>Bytes cut off at the namespace's end.</summary>
        public Bytes EndTrunc { get; init; }

        /// <summary>Usable bytes: size - start pad - end trunc - data offset.</summary>
        public required Bytes Size { get; init; }

        /// <summary>4 KiB pages the personality has, after any truncation.</summary>
        public required long PageCount { get; init; }
    }

    /// <summary>The bind failed and the namespace stays disabled.</summary>
    public sealed record Failed : BindOutcome
    {
        /// <summary>The errno of the bind.</summary>
        public required Refusal Refusal { get; init; }

        /// <summary>The personality that recognised its info block, holds the namespace, and did not start: what the block says; null when none did.</summary>
        public ConfiguredPersonality? Claim { get; init; }

        /// <summary>Its kind.</summary>
        public PersonalityKind? Claimed => Claim?.Kind;
    }
}
