using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Tests.Labels;

namespace PmemFleet.Nvdimm.Tests.Btt;

/// <summary>The recorded 32 MiB sector namespace of the cases f_btt_*: version 1.1, so offsets of the parts are those of the DIMM's image.</summary>
internal static partial class GoldenArena
{
    public const long Size = 32 * Bytes.MiB;
    public const long Base = 4096;

    public static readonly Guid Parent = Guid.Parse("00000501-0000-4000-8000-000000000501");

    public static readonly (string Name, long Offset)[] Parts = [("info", 4096), ("map", 33501184), ("flog", 33533952), ("info2", 33550336)];

    public static BindPlan Plan(ConfiguredPersonality? configured = null) => new()
    {
        Namespace = "namespace0.0",
        Start = new Spa(4 * Bytes.GiB),
        Size = new Bytes(Size),
        ParentUuid = Parent,
        ClaimClass = ClaimClass.None,
        Configured = configured,
    };

    private static readonly Lazy<MemoryMedia> Image = new(() =>
    {
        var media = new MemoryMedia(Size);
        var image = GoldenVectors.Bytes("f_btt_write/whole_arena.bin");
        for (var at = 0; at < image.Length; at += 4096)
        {
            if (image.AsSpan(at, 4096).ContainsAnyExcept((byte)0))
            {
                media.Write(Base + at, image.AsSpan(at, 4096));
            }
        }

        return media;
    });

    /// <summary>The namespace before any damage: after all the writes of f_btt_write.</summary>
    public static MemoryMedia Undamaged() => Image.Value.Copy();

    public static bool Has(string @case, string dump, string part) => GoldenVectors.Has($"{@case}/{dump}.arena0.{part}.bin");

    public static byte[] Dump(string @case, string dump, string part) => GoldenVectors.Bytes($"{@case}/{dump}.arena0.{part}.bin");

    /// <summary>Puts a recorded dump over the media.</summary>
    public static void Put(MemoryMedia media, string @case, string dump)
    {
        foreach (var (part, offset) in Parts.Where(part => Has(@case, dump, part.Name)))
        {
            media.Write(offset, Dump(@case, dump, part));
        }
    }

    public static byte[] Read(IMedia media, long offset, int length)
    {
        var bytes = new byte[length];
        Assert.True(media.TryRead(offset, bytes));
        return bytes;
    }

    public static byte[] Read(IMedia media, string part) => Read(media, Parts.Single(p => p.Name == part).Offset, part switch { "map" => 8192, "flog" => 16384, _ => 4096 });

    public static void AssertEquals(IMedia media, string @case, string dump)
    {
        foreach (var (part, offset) in Parts.Where(part => Has(@case, dump, part.Name)))
        {
            var golden = Dump(@case, dump, part);
            Assert.True(golden.AsSpan().SequenceEqual(Read(media, offset, golden.Length)), $"{@case} {dump} {part}");
        }
    }

    /// <summary>The lane that wrote between two dumps: the log group that changed.</summary>
    public static int? LaneBetween(byte[] before, byte[] after)
    {
        for (var lane = 0; lane < 256; lane++)
        {
            if (!before.AsSpan(lane * 64, 64).SequenceEqual(after.AsSpan(lane * 64, 64)))
            {
                return lane;
            }
        }

        return null;
    }

    /// <summary>What ndctl printed, without the names of the namespace and of its own function, and without the closing counts.</summary>
    public static string[] Lines(JsonNode command)
    {
        var printed = (command["stderr"]?.AsArray().Select(line => (string)line!) ?? [])
            .Where(line => !line.StartsWith("error checking", StringComparison.Ordinal) && !line.StartsWith("checked ", StringComparison.Ordinal))
            .Select(line => Prefix().Replace(line, ""));
        var told = command["stdout"] is JsonValue value && value.TryGetValue<string>(out var text) ? text.Split('\n', StringSplitOptions.RemoveEmptyEntries) : [];
        return [.. printed, .. told];
    }

    /// <summary>rc of ndctl is 256 minus the errno.</summary>
    public static Errno? Errno(JsonNode command) => (int)command["rc"]! is var rc && rc == 0 ? null : (Errno)(256 - rc);

    [GeneratedRegex(@"^namespace\d+\.\d+: \w+: ")]
    private static partial Regex Prefix();
}
