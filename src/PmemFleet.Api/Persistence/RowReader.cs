using System.Data.Common;
using System.Linq.Expressions;
using System.Reflection;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;

namespace PmemFleet.Api.Persistence;

/// <summary>
/// Reads rows of a table from a statement of our own, as EF reads them: columns and converters are those of the context's own model.
/// </summary>
/// <typeparam name="TRow">The row.</typeparam>
internal sealed class RowReader<TRow>
    where TRow : class
{
    private static readonly MethodInfo IsNull = typeof(DbDataReader).GetMethod(nameof(DbDataReader.IsDBNull))!;
    private static readonly MethodInfo Value = typeof(DbDataReader).GetMethod(nameof(DbDataReader.GetFieldValue))!;

    private readonly string[] _names;
    private readonly Func<DbDataReader, int, TRow> _read;

    public RowReader(IEntityType type)
    {
        var (reader, first) = (Expression.Parameter(typeof(DbDataReader)), Expression.Parameter(typeof(int)));
        var names = new List<string>();
        Table = $"\"{type.GetTableName()}\"";
        var row = Make(type, reader, first, names);
        _names = [.. names];
        _read = Expression.Lambda<Func<DbDataReader, int, TRow>>(row, reader, first).Compile();
    }

    /// <summary>The table.</summary>
    public string Table { get; }

    /// <summary>How many columns that is.</summary>
    public int Count => _names.Length;

    /// <summary>The columns, for a SELECT or RETURNING.</summary>
    /// <param name="of">The table's name in the statement.</param>
    public string Columns(string of) => string.Join(", ", _names.Select(name => $"{of}.{name}"));

    /// <summary>The row that the reader stands on.</summary>
    /// <param name="reader">Stands on a row that begins with, or holds, <see cref="Columns"/>.</param>
    /// <param name="first">The place of the first of them.</param>
    public TRow Read(DbDataReader reader, int first = 0) => _read(reader, first);

    private static MemberInitExpression Make(ITypeBase type, Expression reader, Expression first, List<string> names)
    {
        var bindings = new List<MemberBinding>();
        foreach (var property in type.GetProperties())
        {
            bindings.Add(Expression.Bind(property.PropertyInfo!, Read(property, reader, Expression.Add(first, Expression.Constant(names.Count)))));
            names.Add($"\"{property.GetTableColumnMappings().Single().Column.Name}\"");
        }

        foreach (var part in type.GetComplexProperties())
        {
            // there is one where that is there which every one has
            var required = part.ComplexType.GetProperties().TakeWhile(property => property.PropertyInfo!.GetCustomAttribute<System.Runtime.CompilerServices.RequiredMemberAttribute>() is null).Count();
            var isThere = Expression.Not(Expression.Call(reader, IsNull, Expression.Add(first, Expression.Constant(names.Count + required))));
            var value = Make(part.ComplexType, reader, first, names);
            bindings.Add(Expression.Bind(part.PropertyInfo!, Expression.Condition(isThere, value, Expression.Default(value.Type))));
        }

        return Expression.MemberInit(Expression.New(type.ClrType), bindings);
    }

    private static ConditionalExpression Read(IProperty property, Expression reader, Expression place)
    {
        var converter = property.GetTableColumnMappings().Single().TypeMapping.Converter;
        var stored = converter?.ProviderClrType ?? property.ClrType;
        Expression value = Expression.Call(reader, Value.MakeGenericMethod(Nullable.GetUnderlyingType(stored) ?? stored), place);
        if (converter is not null)
        {
            value = Expression.Invoke(converter.ConvertFromProviderExpression, value);
        }

        value = value.Type == property.ClrType ? value : Expression.Convert(value, property.ClrType);
        return Expression.Condition(Expression.Call(reader, IsNull, place), Expression.Default(property.ClrType), value);
    }
}
